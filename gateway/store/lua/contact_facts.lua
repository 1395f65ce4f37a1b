#!lua flags=allow-oom
--[[ contact_facts: change the plain half of a contact: consents, proofs, windows, language. The later word of the person wins.

One step with its line in the ledger. Runs when memory is full: a stop must always take effect. A consent or proof that changes
raises `cv`, so that nothing planned under the old one is enqueued.

KEYS  1 f:C (hash)  2 led:C (list)  3 facts (stream)
ARGV  1 offset (ms)  2 C  then groups of five: field, value, at (ms), sealed ledger line ('' none), rule
      rule: 'consent' (value g or w: later wins, equal time: w wins), 'proof' (value kind or '-': later wins),
            'drop' (a proof no later than at goes; a '-' stays), 'later' (largest at wins, the field holds at), 'upto' (a time no later than at goes), 'set' (always),
            'thread' (value until:program, 0: when nobody else has the thread; later wins, equal time: the larger value wins)
RETURNS per group: applied older
--]]
-- include base
local now = now_of(KEYS[3], tonumber(ARGV[1]))
local answers = {}
local moved = false
for k = 3, #ARGV, 5 do
  local field, value, at, line, rule = ARGV[k], ARGV[k + 1], tonumber(ARGV[k + 2]), ARGV[k + 3], ARGV[k + 4]
  local old = redis.call('HGET', KEYS[1], field)
  local answer = 'older'
  if rule == 'set' then
    if old ~= value then redis.call('HSET', KEYS[1], field, value); answer = 'applied' end
  elseif rule == 'drop' then
    if old and string.sub(old, 1, 1) ~= '-' and tonumber(string.match(old, '|(%d+)$')) <= at then
      redis.call('HDEL', KEYS[1], field)
      moved, answer = true, 'applied'
      fact(KEYS[3], now, 'proof_dropped', ARGV[2], field .. '= at=' .. text(at))
    end
  elseif rule == 'thread' then
    local last_value, last_at = '0:', -1
    if old then last_value, last_at = string.match(old, '^([^|]*)|(%d+)$'); last_at = tonumber(last_at) end
    if value ~= '0:' and string.sub(value, -1) == ':' then -- by whom is not said: then by whoever had it
      value = value .. string.match(last_value, '^%d+:(.*)$')
    end
    if at > last_at or (at == last_at and value > last_value) then
      redis.call('HSET', KEYS[1], field, value .. '|' .. text(at))
      answer = 'applied'
      if (string.sub(value, 1, 2) == '0:') ~= (string.sub(last_value, 1, 2) == '0:') then
        fact(KEYS[3], now, 'thread', ARGV[2], field .. '=' .. value .. ' at=' .. text(at))
      end
    end
  elseif rule == 'upto' then
    if old and tonumber(old) <= at then redis.call('HDEL', KEYS[1], field); answer = 'applied' end
  elseif rule == 'later' then
    if not old or tonumber(old) < at then redis.call('HSET', KEYS[1], field, text(at)); answer = 'applied' end
  else
    local last_value, last_at = nil, -1
    if old then last_value, last_at = string.match(old, '^([^|]*)|(%d+)$'); last_at = tonumber(last_at) end
    local wins = at > last_at or (at == last_at and value ~= last_value and (value == 'w' or value == '-'))
    if wins then
      redis.call('HSET', KEYS[1], field, value .. '|' .. text(at))
      if value ~= last_value then moved = true end
      answer = 'applied'
      if line ~= '' then redis.call('RPUSH', KEYS[2], line) end
      if value ~= last_value then
        fact(KEYS[3], now, rule, ARGV[2], field .. '=' .. value .. ' at=' .. text(at))
      end
    end
  end
  answers[#answers + 1] = answer
end
if moved then redis.call('HINCRBY', KEYS[1], 'cv', 1) end
return answers
