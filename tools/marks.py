# SPDX-License-Identifier: Apache-2.0
"""Generated sections of a page that people write: what stands between `<!-- NAME -->` and `<!-- end -->`."""
import re


def section(name, body):
    return f"<!-- {name} -->\n{body}<!-- end -->"


def renew(text, body):
    """`text` with body(name) in each section; what is around them is kept."""
    return re.sub(r"<!-- ([\w-]+) -->\n.*?<!-- end -->", lambda match: section(match[1], body(match[1])), text, flags=re.S)
