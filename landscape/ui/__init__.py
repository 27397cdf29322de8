"""The browser app: state, controls, components, pages."""
