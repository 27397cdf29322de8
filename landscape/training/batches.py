"""The examples of each step. All randomness comes from (seed, epoch), so the middle of an epoch is a slice."""

# Shapes: N examples · B batch · C channels · H, W height and width

import torch
from torch import Tensor
from torch.nn import functional

from landscape.core.errors import RequestError
from landscape.core.requests import TrainRequest
from landscape.core.seeds import seed_for
from landscape.core.training_requests import Augmentation
from landscape.networks.tasks import Examples

CROP_BORDER = 4  # pixels on each side; He et al. (2016), section 4.2
# Ours: measured on a processor with 1 MB of cache per core; at 16 MB an image of 3 x 32 x 32 takes twice as long.
BLOCK_BYTES = 4 * 2**20


class Batches:
    """The batches of one run, by step; the same step always gives the same batch.

    Epoch e (from 1) goes through a random permutation drawn from the seed and "order e"; its last batch may be
    short. With `crop-flip` each example is moved by up to four pixels each way and mirrored with probability 1/2.
    The pixels that come in at the border are 0 in normalised units, that is, the channel means.

    Batches are gathered and augmented many at a time, a block of whole batches of one epoch, and each step takes its
    slice: for small images the calls of a step would otherwise cost more than the pixels.

    Images are kept with the channels last in memory, which the CPU's convolutions take without rearranging
    (benchmarks/records/training-cpu.json has the gain).

    Args:
        examples: The training split, already on the device.
        request: Batch size, augmentation and seed; `lbfgs` takes the whole split as one batch.
        block_bytes: How large the images of a block may be in memory. One batch is always taken, however large; the
            batches themselves do not depend on it.

    Raises:
        RequestError: `crop-flip` is asked for and the inputs are not images.
    """

    def __init__(self, examples: Examples, request: TrainRequest, *, block_bytes: int = BLOCK_BYTES) -> None:
        self._is_image = examples.inputs.ndim == 4
        if request.augmentation == "crop-flip" and not self._is_image:
            raise RequestError(
                f"The augmentation crop-flip needs images of shape channels x height x width; the inputs have shape "
                f"{list(examples.inputs.shape[1:])}. Use the augmentation none."
            )
        inputs = examples.inputs
        self._inputs = inputs.permute(0, 2, 3, 1).contiguous() if self._is_image else inputs
        self._targets = examples.targets
        self._batch_size = len(examples) if request.optimizer == "lbfgs" else request.batch_size
        batch_bytes = self._batch_size * inputs[0].numel() * inputs.element_size()
        self._block_size = self._batch_size * max(1, block_bytes // batch_bytes)
        self._seed = request.seed
        self._augmentation: Augmentation = request.augmentation
        self._epoch = 0
        self._order = self._shifts = self._flips = torch.empty(0)
        self._block = (0, 0)
        self._block_inputs = self._block_targets = torch.empty(0)

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in one pass over the split."""
        return -(-len(self._targets) // self._batch_size)

    def epoch_of(self, step: int) -> int:
        """The epoch, from 1, to which a step belongs."""
        return (step - 1) // self.steps_per_epoch + 1

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs (B, ...) and targets (B,) of a step, counted from 1; both are views and must not be changed."""
        place = (step - 1) % self.steps_per_epoch * self._batch_size
        number, start = divmod(place, self._block_size)
        self._open_block(self.epoch_of(step), number)
        part = slice(start, start + self._batch_size)
        return self._block_inputs[part], self._block_targets[part]

    def _open_block(self, epoch: int, number: int) -> None:
        if (epoch, number) == self._block:
            return
        self._open_epoch(epoch)
        part = slice(number * self._block_size, (number + 1) * self._block_size)
        chosen = self._order[part]
        inputs = self._inputs.index_select(0, chosen)
        if self._augmentation == "crop-flip":
            inputs = crop_and_flip(inputs, self._shifts[part], self._flips[part])
        self._block_inputs = inputs.permute(0, 3, 1, 2) if self._is_image else inputs
        self._block_targets = self._targets[chosen]
        self._block = (epoch, number)

    def _open_epoch(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        count, device = len(self._targets), self._targets.device
        generator = torch.Generator().manual_seed(seed_for(self._seed, f"order {epoch}"))
        self._order = torch.randperm(count, generator=generator).to(device)
        if self._augmentation == "crop-flip":
            generator.manual_seed(seed_for(self._seed, f"augmentation {epoch}"))
            self._shifts = torch.randint(2 * CROP_BORDER + 1, (count, 2), generator=generator).to(device)
            self._flips = torch.randint(2, (count,), generator=generator).bool().to(device)
        self._epoch = epoch


def crop_and_flip(images_BHWC: Tensor, shifts_B2: Tensor, flips_B: Tensor) -> Tensor:
    """Images moved within a border of zeros, and some of them mirrored left to right.

    Args:
        images_BHWC: Channels last, (B, H, W, C).
        shifts_B2: First row and first column of each crop in the padded image, in 0 ... 2 * CROP_BORDER; the middle
            value leaves the image where it is.
        flips_B: True where an image is mirrored.

    Returns:
        New images of the same shape.
    """
    count, height, width, channels = images_BHWC.shape
    padded = functional.pad(images_BHWC, (0, 0, CROP_BORDER, CROP_BORDER, CROP_BORDER, CROP_BORDER))
    device = images_BHWC.device
    rows = torch.arange(height, device=device) + shifts_B2[:, :1]
    columns = torch.arange(width, device=device).expand(count, width)
    columns = torch.where(flips_B[:, None], columns.flip(1), columns) + shifts_B2[:, 1:]
    first_rows = torch.arange(count, device=device)[:, None] * padded.shape[1]
    pixels = (first_rows + rows)[:, :, None] * padded.shape[2] + columns[:, None, :]
    # One number per pixel, since three index tensors take up to three times as long; and for one channel a flat
    # vector, since rows of one element take four times as long.
    source = padded.view(-1, channels).squeeze(1)
    return source.index_select(0, pixels.flatten()).view(images_BHWC.shape)
