-- A message whose receipts come as "everything until then": the youngest 200 of an address, by when they were sent.
local function receipt_due(key, mid, at, ttl)
  redis.call('ZADD', key, text(at), mid)
  redis.call('ZREMRANGEBYRANK', key, 0, -201)
  redis.call('PEXPIRE', key, text(ttl))
end
-- What an accepted message costs by our price list, added to the counters of its month. No fields: nothing to add.
local function spend(key, fields, amount, ttl)
  for _, field in ipairs(fields) do redis.call('HINCRBY', key, field, text(amount)) end
  if #fields > 0 then redis.call('PEXPIRE', key, text(ttl)) end
end
-- Close a message: out of its lane, record rewritten as a stub, what was told kept up to date. tried: it may be on the phone.
local function finish(set, key, header, body, mid, state, reason, told, ttl, tried)
  local member = message_member(header, mid)
  redis.call('ZREM', set.q, member)
  redis.call('ZREM', set.later, member)
  header[STATE], header[REASON] = state, reason
  message_write(key, header, body, ttl)
  if header[TOLD] ~= '' then
    local last = told_read(told, header[TOLD])
    if last and last.mid == mid then
      told_write(told, header[TOLD], last.version, mid, last.sender, state, ttl, tried and mid or last.handed)
    end
  end
end
