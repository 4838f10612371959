"""What one steward keeps: the files of a kit, built as bytes in memory. Nothing here touches a device or a disk."""
