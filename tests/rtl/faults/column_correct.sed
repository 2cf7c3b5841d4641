# Half goes to odd instead of even.
s/\| s3_q\[14\]\)/| !s3_q[14])/
