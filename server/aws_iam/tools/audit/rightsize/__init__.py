"""`audit rightsize`: what users and roles did not use, and smaller policies that keep what they did."""
