"""Text or bytes in, a value out, ParseError for anything else: one file per source, a sample in each."""
