"""Keys that are made at run time: what each may and how much, who knows them, who makes and changes them."""
