"""Azure OpenAI's wire: chat completions, plain and On Your Data, in the forms of 2023, 2024 and v1."""
