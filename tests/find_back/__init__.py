"""Looking into versions and getting files back."""
