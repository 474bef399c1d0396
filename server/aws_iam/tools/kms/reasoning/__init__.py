"""Key policies: what they allow, who administers a key, and whether a policy locks everyone out."""
