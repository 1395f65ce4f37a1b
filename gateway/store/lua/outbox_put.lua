--[[ outbox_put: plan messages for up to 25 contacts of one partition, and move the fan-out's cursor with them.

One step, because a cursor that moved without its messages would lose them, also in a failover (both go together). The same
script enqueues a single message (no cursor). Nothing is written when a contact moved, is being erased, changed its consents
since the caller looked, or was told something the caller did not see: the caller plans those again.

KEYS  1 fan (zset)  2 fanc (hash)  3 facts (stream)  4 ways (zset)
      then per sender 11 lane keys: q, later, lane, ready 0-3, due 0-3
      then per contact f:C (hash), told:C (hash)
      then per message m:M (string)
      then per older message that may be taken out m:M (string)
ARGV  1 offset (ms)  2 plan (JSON)  3.. one sealed body per message
      plan: e event, n version, j subject, fan member ('' for none), cursor, from (the cursor begun at; absent = no fan-out was
            opened here, the whole audience is told at once), done (bool), tau (ms), ttl ms, senders [id],
            over {notification: [why, by]} (what is no news any more, and is written as replaced or ended),
            contacts [{c, v consent version, ends [prefix of told field]}],
            messages [{c contact#, s sender# (0 none), a address, p priority, due ms, dl deadline ms, t told field, st 'q' or 's',
                       r reason, nt notification, m id, rev bool, vv conversation, w ms after which another way is due (0 never),
                       d details for the fact, tf told fields of others that speak of the same value,
                       go [r, due, d] of a suppressed one: queued so where an older one in its place was told, or is about to be}],
            olds [message id]
RETURNS {1, [per message: queued later suppressed exists replaced ended], 1 the cursor is where the plan says, 0 another moved it}
        or {0, [per contact: ok moved:C erasing replan]}, or {0, [], 'behind'}: an older event of the subject is being told here
--]]
-- include base
-- include lane
-- include message
local plan = cjson.decode(ARGV[2])
local now = now_of(KEYS[3], tonumber(ARGV[1]))
local first_contact = 5 + #plan.senders * 11
local first_message = first_contact + #plan.contacts * 2
local first_old = first_message + #plan.messages
local number_of, sets, old_key = {}, {}, {}
for i, sender in ipairs(plan.senders) do number_of[sender] = i; sets[i] = lane_set(5 + (i - 1) * 11) end
for i, mid in ipairs(plan.olds) do old_key[mid] = KEYS[first_old + i - 1] end

-- What this plan would take out: told fields of its ends, and of the messages that it replaces.
local function outdated(i, contact)
  local told = KEYS[first_contact + (i - 1) * 2 + 1]
  local found = {}
  local ends = {}
  for _, prefix in ipairs(contact.ends) do ends[prefix] = true end
  if next(ends) then
    local all = redis.call('HGETALL', told)
    for k = 1, #all, 2 do
      local prefix, item = string.match(all[k], '^([^:]*):(.*)$')
      if prefix and ends[prefix] and item ~= '#' then found[#found + 1] = {field = all[k], why = 'e', reason = 'ended'} end
    end
  end
  for _, message in ipairs(plan.messages) do
    if message.c == i and message.t ~= '' then found[#found + 1] = {field = message.t, why = 'r', reason = 'replaced', by = message.m} end
  end
  local takes = {}
  for _, entry in ipairs(found) do
    local last = told_read(told, entry.field)
    -- What is named by what it says, and not by its event, may be planned again by a newer one: it does not replace itself.
    if last and last.version < plan.n and last.state == 'q' and last.mid ~= entry.by then
      entry.last, entry.told = last, told
      takes[#takes + 1] = entry
    end
  end
  return takes
end

-- Told at once, a newer event would overtake an older one of its subject that is still being told.
if plan.fan ~= '' and not plan.from then
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local subject, version, event = string.match(member, '^([^:]*):(%d+):(.*)$')
    if subject == plan.j and event ~= plan.e and tonumber(version) < plan.n then return {0, {}, 'behind'} end
  end
end

local states, stale, takes = {}, false, {}
for i, contact in ipairs(plan.contacts) do
  local f = redis.call('HMGET', KEYS[first_contact + (i - 1) * 2], 'erasing', 'moved', 'cv')
  if f[1] then states[i] = 'erasing'
  elseif f[2] then states[i] = 'moved:' .. f[2]
  elseif (f[3] or '0') ~= text(contact.v) then states[i] = 'replan'
  else
    states[i] = 'ok'
    takes[i] = outdated(i, contact)
    for _, entry in ipairs(takes[i]) do
      if not old_key[entry.last.mid] or not number_of[entry.last.sender] then states[i] = 'replan' end
    end
  end
  if states[i] ~= 'ok' then stale = true end
end
if stale then return {0, states, ''} end

local function take_out(entry)
  local key = old_key[entry.last.mid]
  local header, body = message_read(key)
  if not header or header[STATE] ~= 'q' then return end
  local set = sets[number_of[entry.last.sender]]
  local a = header[ADDRESS]
  local lane = lane_load(set.lane, a)
  -- Leased or unsure: it may be on the wire. Its own settle, or the look before a resend, finds that it is outdated.
  if lane.out == entry.last.mid or is_unsure(lane, entry.last.mid) then return end
  local member = message_member(header, entry.last.mid)
  redis.call('ZREM', set.q, member)
  redis.call('ZREM', set.later, member)
  header[STATE], header[REASON] = entry.why, entry.reason
  message_write(key, header, body, plan.ttl)
  place(set, a, lane, now, plan.tau)
  fact(KEYS[3], now, entry.reason, message_ids(header, entry.last.mid), 'by=' .. plan.e)
  told_write(entry.told, entry.field, entry.last.version, entry.last.mid, entry.last.sender, entry.why, plan.ttl,
    tonumber(header[ATTEMPT]) > 0 and entry.last.mid or entry.last.handed)
end
-- What the phone may say before this message: `handed` of its entry. What is queued still after `take_out` may be on the wire.
local function handed_before(told, message)
  local last = told_read(told, message.t)
  if last and last.version == plan.n then return last.handed end
  for _, field in ipairs(message.tf or {}) do
    local other = told_read(told, field)
    if other and other.version < plan.n and (not last or other.version > last.version) then last = other end
  end
  if not last then return '' end
  if last.state == 'q' or last.state == 'a' then return last.mid end
  return last.handed
end

-- Left out of what follows, whoever was told the beginning would keep what no longer holds. Asked before anything is taken out.
for _, message in ipairs(plan.messages) do
  if message.go and message.t ~= '' then
    local knows = handed_before(KEYS[first_contact + (message.c - 1) * 2 + 1], message)
    if knows and knows ~= '' then message.st, message.r, message.due, message.d = 'q', message.go[1], message.go[2], message.go[3] end
  end
end

local results = {}
for i, contact in ipairs(plan.contacts) do
  for _, entry in ipairs(takes[i]) do take_out(entry) end
  for _, prefix in ipairs(contact.ends) do
    local told = KEYS[first_contact + (i - 1) * 2 + 1]
    local mark = told_read(told, prefix .. ':#')
    if not mark or mark.version < plan.n then told_write(told, prefix .. ':#', plan.n, '', plan.e, 'e', plan.ttl) end
  end
end
for k, message in ipairs(plan.messages) do
  local key = KEYS[first_message + k - 1]
  local contact = plan.contacts[message.c]
  local told = KEYS[first_contact + (message.c - 1) * 2 + 1]
  local old = message_read(key)
  -- What could not be written is written anew whenever its event is told again: somebody mended it.
  if old and not (old[STATE] == 's' and (message.rev or old[REASON] == 'poisoned')) then
    results[k] = 'exists'
  else
    local set = sets[message.s]
    local header = {'1', message.st, '0', plan.senders[message.s] or '', message.a, text(message.p), '0', text(message.dl),
      text(plan.n), plan.e, plan.j, message.t, contact.c, '0', '0', message.r, message.nt, text(now), text(message.due),
      message.vv or ''}
    local why, by = superseded(told, message.t, plan.n)
    if not why and plan.over and plan.over[message.nt] then why, by = plan.over[message.nt][1], plan.over[message.nt][2] end
    local ttl = math.max(message.dl - now, 0) + plan.ttl
    if why then
      header[STATE], header[REASON] = string.sub(why, 1, 1), why
      message_write(key, header, ARGV[2 + k], text(ttl))
      fact(KEYS[3], now, why, message_ids(header, message.m), 'nt=' .. message.nt .. (by ~= '' and (' by=' .. by) or ''))
      results[k] = why
    elseif message.st == 's' then
      message_write(key, header, ARGV[2 + k], text(ttl))
      if message.t ~= '' then
        told_write(told, message.t, plan.n, message.m, header[SENDER], 's', text(ttl), handed_before(told, message))
      end
      fact(KEYS[3], now, 'suppressed', message_ids(header, message.m), 'nt=' .. message.nt .. ' reason=' .. message.r
        .. (message.d ~= '' and (' ' .. message.d) or ''))
      results[k] = 'suppressed'
    else
      local seq = redis.call('HINCRBY', set.lane, '#seq', 1)
      header[SEQ] = text(seq)
      local member = message_member(header, message.m)
      message_write(key, header, ARGV[2 + k], text(ttl))
      if message.due > now then
        redis.call('ZADD', set.later, text(message.due), member)
        results[k] = 'later'
      else
        redis.call('ZADD', set.q, 0, member)
        place(set, message.a, lane_load(set.lane, message.a), now, plan.tau)
        results[k] = 'queued'
      end
      if message.t ~= '' then
        told_write(told, message.t, plan.n, message.m, header[SENDER], 'q', text(ttl), handed_before(told, message))
      end
      fact(KEYS[3], now, 'enqueued', message_ids(header, message.m), 'nt=' .. message.nt .. ' s=' .. header[SENDER]
        .. ' p=' .. text(message.p) .. ' dl=' .. text(message.dl)
        .. (results[k] == 'later' and (' due=' .. text(message.due) .. ' why=' .. message.r) or '')
        .. (message.d ~= '' and (' ' .. message.d) or ''))
      if message.w > 0 then redis.call('ZADD', KEYS[4], text(math.max(message.due, now) + message.w), message.m) end
    end
  end
end
-- Who began elsewhere than where the cursor stands wrote what is there already, and moves nothing: it never goes back.
local moved = 1
if plan.fan ~= '' then
  local at = redis.call('HGET', KEYS[2], plan.e)
  if plan.from and (not at or string.match(at, '^(.*)|0$') ~= plan.from) then
    moved = 0
  else
    redis.call('HSET', KEYS[2], plan.e, plan.cursor .. '|' .. (plan.done and text(now) or '0'))
    if plan.done then redis.call('ZREM', KEYS[1], plan.fan) end
  end
end
return {1, results, moved}
