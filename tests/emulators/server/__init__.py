"""What runs inside an emulator's process; tests import the modules one level up."""
