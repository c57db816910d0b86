"""What tenants and keys cost: many tenants against one, keys against none, bound statements against unbound ones."""
