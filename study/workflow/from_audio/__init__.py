"""From a folder of sound to a study: survey files and labels, and write a study file with a reason for each line."""
