"""The protocol `rclone`, and blobs at any rclone remote."""
