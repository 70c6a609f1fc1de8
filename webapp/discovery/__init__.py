"""Finds the settings of an address that no hosted domain and no known provider serves."""
