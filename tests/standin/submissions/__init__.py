"""What edx-submissions needs to run on MariaDB."""
