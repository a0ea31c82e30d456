"""One file a figure, a table or a group of sentences of the report, each under the protocol of `exhibit`."""
