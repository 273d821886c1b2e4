"""What `doctor` looks at: questions with a deadline, and judgements of what was answered."""
