-- A message record is a header, a line feed, and a sealed body. Header, format 1:
--   1|state|attempt|sender|A|priority|seq|deadline_ms|version|E|J|told|C|status|status_at|reason|notification|planned_at|due_at|V|sent
--   sent  sealed, base64: as what it was accepted, and the channel's id of it
local STATE, ATTEMPT, SENDER, ADDRESS, PRIO, SEQ, DEADLINE, VERSION, EVENT, SUBJECT, TOLD, CONTACT, STATUS, STATUS_AT, REASON,
  NOTIFICATION, PLANNED, DUE, CONVERSATION, SENT = 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
local function message_read(key)
  local raw = redis.call('GET', key)
  if not raw then return nil end
  local cut = string.find(raw, '\n', 1, true)
  return split(string.sub(raw, 1, cut - 1)), string.sub(raw, cut + 1)
end
local function message_write(key, header, body, ttl)
  local raw = table.concat(header, '|') .. '\n' .. body
  if ttl then redis.call('SET', key, raw, 'PX', ttl) else redis.call('SET', key, raw, 'KEEPTTL') end
end
local function message_member(header, mid)
  return header[ADDRESS] .. ':' .. header[PRIO] .. string.format('%010d', tonumber(header[SEQ]))
    .. string.format('%010d', math.floor(tonumber(header[DEADLINE]) / 1000)) .. ':' .. mid
end
local function message_ids(header, mid)
  local ids = mid .. ' ' .. header[CONTACT]
  for _, place in ipairs({SUBJECT, EVENT, CONVERSATION}) do
    if header[place] and header[place] ~= '' then ids = ids .. ' ' .. header[place] end
  end
  return ids
end
-- What was told: told:C has per (subject, notification, item) the last one planned, version|M|sender|state|handed, and per
-- (subject, notification) with item '#' what ended it, version||E|e.
--   handed  the last message of it, or of what speaks of the same value, that may be on the phone: '' none; it may be the entry's own.
--           An entry without this part was written before there was one: nothing is known.
local function told_read(key, field)
  local raw = redis.call('HGET', key, field)
  if not raw then return nil end
  local parts = split(raw)
  return {version = tonumber(parts[1]), mid = parts[2], sender = parts[3], state = parts[4], handed = parts[5]}
end
local function told_write(key, field, version, mid, sender, state, ttl, handed)
  redis.call('HSET', key, field, text(version) .. '|' .. mid .. '|' .. sender .. '|' .. state .. (handed and ('|' .. handed) or ''))
  if ttl then
    local left = redis.call('PTTL', key)
    if left < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
  end
end
-- Why a message of this version is no longer wanted: 'replaced' and by which message, 'ended' and by which event, or nil.
local function superseded(key, field, version)
  if field == '' then return nil end
  local last = told_read(key, field)
  if last and last.version > version then return 'replaced', last.mid end
  local mark = told_read(key, string.match(field, '^[^:]*') .. ':#')
  if mark and mark.version > version then return 'ended', mark.sender end
  return nil
end
