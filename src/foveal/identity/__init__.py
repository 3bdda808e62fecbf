"""Who people are: passwords, and the tokens of an OpenID provider."""
