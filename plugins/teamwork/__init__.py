"""What people do for any record: tasks, activities, comments, files."""
