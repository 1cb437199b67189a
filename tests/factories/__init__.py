"""Rows that tests need, made with as little as possible said; one module per app."""
