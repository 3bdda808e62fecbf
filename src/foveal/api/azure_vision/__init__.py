"""The face of Azure AI Vision: vectors, image analysis and video retrieval."""
