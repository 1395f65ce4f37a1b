"""Tests in a browser: one Chromium for all of them, closed before the tests of another folder begin."""
