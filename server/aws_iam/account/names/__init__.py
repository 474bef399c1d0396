"""Names of actions, forms of ids, and what is sensitive in what AWS answers."""
