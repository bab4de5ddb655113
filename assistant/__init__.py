"""What happens between a sound and a reply: ears, engines, skills and the pipeline that chains them. Never imports torch."""

__version__ = "0.1.0"
