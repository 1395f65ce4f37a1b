"""What tests share: a real store, and waiting without sleeping."""
