"""Azure AI Search, so that its official clients search and fill indexes here."""
