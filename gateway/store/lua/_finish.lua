-- Close a message: out of its lane, record rewritten as a stub, what was told kept up to date.
local function finish(set, key, header, body, mid, state, reason, told, ttl)
  local member = message_member(header, mid)
  redis.call('ZREM', set.q, member)
  redis.call('ZREM', set.later, member)
  header[STATE], header[REASON] = state, reason
  message_write(key, header, body, ttl)
  if header[TOLD] ~= '' then
    local last = told_read(told, header[TOLD])
    if last and last.mid == mid then told_write(told, header[TOLD], last.version, mid, last.sender, state, ttl) end
  end
end
