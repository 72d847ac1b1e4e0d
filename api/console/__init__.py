"""The office's console: Django's admin in Chinese, whose every save and action calls the verbs of the house."""
