"""The owner's place, `/biz/{slug}/…`: a module a section, `frame` is what they share."""
