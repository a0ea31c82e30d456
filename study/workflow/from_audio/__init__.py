"""From a folder of sound to a study: what is there, what it can teach, and a study file with a reason for each line."""
