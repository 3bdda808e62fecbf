"""`python -m foveal` and the `foveal` command."""

from __future__ import annotations

import sys

from foveal.errors import FovealError, RequestError, SettingsError

ERROR, USAGE, INTERRUPTED = 1, 2, 130
STOPPED = "Stopped. Run the same command again to go on."


def main() -> None:
    """Run the command line; an error of ours is one sentence on standard error, never a traceback."""
    try:
        from foveal.cli import app

        app()
    except SettingsError as error:
        _say(error)
        sys.exit(USAGE)
    except FovealError as error:
        _say(error)
        sys.exit(USAGE if isinstance(error, RequestError) and error.status == 400 else ERROR)
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        sys.exit(INTERRUPTED)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer turns Ctrl-C into it without a word
            print(STOPPED, file=sys.stderr)
        raise


def _say(error: FovealError) -> None:
    print(f"foveal: {error.message}", file=sys.stderr)
    if error.remedy:
        print(f"        {error.remedy}", file=sys.stderr)


if __name__ == "__main__":
    main()
