"""The report: `page`, and the figures, tables, sentences and records that it is made of."""
