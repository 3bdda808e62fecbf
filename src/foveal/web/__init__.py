"""The web app: pages, styles and small ES modules. Its pages are ordinary HTTP clients of `foveal.api`."""
