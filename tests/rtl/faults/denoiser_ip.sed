# tlast counts offered beats, not beats
s/beat_i\(m_axis_tvalid && m_axis_tready\)/beat_i(m_axis_tvalid)/
