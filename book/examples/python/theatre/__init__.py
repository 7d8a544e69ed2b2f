"""A small theatre: which seats are taken tonight?"""
