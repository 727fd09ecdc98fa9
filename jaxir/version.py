"""The version of jaxir: read by the build (pyproject.toml) and stored in every record."""

__version__ = "0.4.0"
