"""A pretext task beside a classification: does it help?"""
