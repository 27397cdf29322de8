"""torchvision, also beside a torch without CUDA.

The registry's Linux wheel of torchvision is built against CUDA. Beside a CPU-only torch its C++ operators do not load,
and `import torchvision` stops where it registers shapes for two of them. Nothing here calls these operators, so it
is enough that their schemas exist.
"""

from types import ModuleType

from torch.library import Library

from landscape.core.errors import DataError

MISSING_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

# A library takes its schemas with it when it is collected, so it lives as long as the module.
_declared: list[Library] = []


def import_datasets() -> ModuleType:
    """`torchvision.datasets`, with the missing operators declared only if the import fails for want of them.

    Raises:
        DataError: torchvision is not installed or cannot be imported.
    """
    try:
        return _import()
    except ImportError as error:
        raise DataError(
            f"torchvision cannot be imported ({error}); install the requirements of this project."
        ) from error
    except RuntimeError as error:
        if "torchvision::nms" not in str(error) or _declared:
            raise
    # Declared first, they would clash with the real operators of a matching build: so only after the failure.
    library = Library("torchvision", "DEF")
    for schema in MISSING_SCHEMAS:
        library.define(schema)
    _declared.append(library)
    return _import()


def _import() -> ModuleType:
    import torchvision.datasets

    return torchvision.datasets
