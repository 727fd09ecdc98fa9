"""`python -m jaxir`."""

from jaxir.cli import main

if __name__ == "__main__":
    main()
