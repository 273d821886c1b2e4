"""These tests run real processes."""

from tests.e2e.fixtures import deployed

__all__ = ["deployed"]
