"""python -m credential_operator.cli: the same as `kubectl credential`."""

from credential_operator.cli import app

if __name__ == "__main__":
    app.main()
