"""What a user does with a study, one file a verb. Only this floor joins the wings: design, jobs and analysis."""
