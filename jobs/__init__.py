"""The jobs of a sweep: sound and labels prepared, representations learned and evaluated, on Ray or in process."""
