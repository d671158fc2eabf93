import pytest

# Their assertions tell as much as a test's own.
pytest.register_assert_rewrite("tests.real.books")
