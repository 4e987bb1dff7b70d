"""What only CI needs: the checkout is whole, what was promoted is recorded on main, and people read what happened."""
