"""What is kept: chunks in Lance, the catalog, the jobs and the model cache in SQL, thumbnails in files."""
