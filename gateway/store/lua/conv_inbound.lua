#!lua flags=allow-oom
--[[ conv_inbound: somebody wrote. Find or open their conversation and keep the words in it, once.

One step, because an album is five webhooks at once and must not open five conversations, and because an entry without its
state change would lie in a conversation that nobody is shown. Runs when memory is full: their words were promised a place.

KEYS  1 co:C:hash (string)  2 f:C (hash)  3 vk:hash (string)  4 facts  5 vd (zset)  6 vo (zset)  7 vs:C (zset)
      8 cv:new  9 ct:new  10 cv:old  11 ct:old (8 and 9 again when there is no old one)
      12 vk:hash of what an edit changes (string; 3 again when it is no edit)  13 bk:A (string): this address is blocked
ARGV  1 offset (ms)  2 V to open if one must be opened  3 V that co named when the caller looked ('' none)
      4 C  5 brand  6 A  7 S  8 queue  9 needs a person '0'/'1'  10 courtesy '0'/'1'  11 at (ms)
      12 form  13 origin M ('' none)  14 entry key  15 sealed body  16 reopen (ms)  17 courtesy (ms)  18 keep resolved (ms)
      19 keep the key (ms)  20 standby '0'/'1': another program holds the thread, and is the one to answer
      21 key of the entry that this one changes ('' none)  22 how often that was changed so far
      23 'answered' or 'person' where one of a traveller's family asks how the journey stands, '' else
      24 kind of words that cannot wait ('' none)  25 what these count (s)  26 when the complaint that it is is due (ms, '' none)
      27 its language ('' nobody could say)  28 the language they usually write ('' not known)
      29 what having been finished before counts (s)  30 why else it goes first ('' not)  31 by how much (s)
      32 for how long after it was done its last agent is theirs (ms)
      33 queue of complaints ('' none: it waits where it would)  34 queues in which also a complaint stays, with a space between
      35 more messages than this  36 within so long (ms) are a flood  37 of which nobody is told again for so long (ms)
      38 what it is, for other programs  39 what names its first file ('' none)
      40 epoch under which automation answers it ('' it does not): under another one its answer is dropped, and people have it
RETURNS {opened | added | reopened | kept | known, V} (known: also an edit older than one that we have: it is history)
        | {again} (another conversation was opened meanwhile) | {erasing}
--]]
-- include base
-- include conv
if redis.call('HGET', KEYS[2], 'erasing') then return {'erasing'} end
local before = redis.call('GET', KEYS[3])
if before then return {'known', before} end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[3] then return {'again'} end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local edits = tonumber(ARGV[22])
if edits > 0 then
  local count, where = string.match(redis.call('GET', KEYS[12]) or '', '^(%d+)|(.*)$')
  if count and tonumber(count) >= edits then
    -- They changed it again since, and that came first: this is only what it said in between.
    local conv = where == ARGV[3] and conv_read(KEYS[10])
    if conv and tonumber(count) > edits then
      conv_entry(KEYS[11], math.min(tonumber(ARGV[11]), now), 'in', '', '', '', ARGV[14], ARGV[21], ARGV[12], ARGV[15])
      conv_write(KEYS[10], KEYS[5], KEYS[6], where, conv, {})
      redis.call('SET', KEYS[3], where, 'PX', ARGV[19])
    end
    return {'known', where}
  end
end
local needs, courtesy, standby = ARGV[9] == '1', ARGV[10] == '1', ARGV[20] == '1'
-- Blocked: kept, and nobody is asked to answer. Words that cannot wait are heard from everybody.
if ARGV[24] == '' and redis.call('EXISTS', KEYS[13]) == 1 then needs = false end
-- A time ahead of ours is the channel's clock: nobody waits since tomorrow.
local at = text(math.min(tonumber(ARGV[11]), now))
local cv, ct, id, word = KEYS[10], KEYS[11], ARGV[3], 'added'
local conv = ARGV[3] ~= '' and conv_read(cv) or nil
local changes = {}
-- That they took something back begins nothing: its place is beside what it takes back.
local long_over = conv and conv.st == 'resolved' and now - tonumber(conv.res) > tonumber(ARGV[16])
if long_over and ARGV[38] ~= 'withdrawn' then conv = nil end
if not conv then
  cv, ct, id, word = KEYS[8], KEYS[9], ARGV[2], 'opened'
  conv = {st = '', n = '0', o = '', ep = '0'}
  local ours = needs and not standby
  changes = {c = ARGV[4], b = ARGV[5], a = ARGV[6], s = ARGV[7], st = ours and 'queued' or 'automated', o = '', oat = text(now),
    ep = '1', q = ARGV[8], op = text(now), w = ours and at or '', li = at, lo = '0', n = '1', res = '', by = '',
    pv = ARGV[3], re = '0', own = '', sw = (needs and standby) and at or '', qe = ours and text(now) or ''}
else
  changes = {li = text(math.max(tonumber(conv.li), tonumber(at))), n = text(tonumber(conv.n) + 1), s = ARGV[7]}
  if ARGV[40] ~= '' and conv.ep ~= ARGV[40] and conv.st ~= 'resolved' then needs = true end
  -- Who they are, once shown, lasts while they write; after half an hour's silence nothing of theirs brings it back.
  local heard = tonumber(conv.ih or '') or 0
  if heard > 0 and tonumber(at) > heard and tonumber(at) - heard < 1800000 then changes.ih = at end
  -- Answered in the channel's own inbox already: their words only came later than the answer to them. What is nobody's stands in
  -- its queue all the same, as it would had they come in their order.
  if tonumber(conv.la or '0') >= tonumber(at) and (conv.o ~= '' or conv.st == 'resolved') then needs = false end
  if conv.st == 'resolved' then
    if not needs or (courtesy and now - tonumber(conv.res) <= tonumber(ARGV[17])) then
      word = 'kept'
    else
      word = 'reopened'
      conv.w = at
      to_queue(conv, changes, now)
      changes.w, changes.q = at, ARGV[8]
      reopen(conv, changes)
      -- Who knows them goes on with them, if they are here; and they had waited for an answer once already.
      if now - tonumber(conv.res) <= tonumber(ARGV[32]) then changes.stk = conv.own end
      boosted(conv, changes, 'reopened', ARGV[29])
      if standby then changes.st, changes.w, changes.sw, changes.qe, changes.stk = 'automated', '', at, '', '' end
    end
  elseif conv.st == 'wrapup' and courtesy then
    word = 'kept'
  elseif needs and standby then
    if (conv.sw or '') == '' then changes.sw = at end
  elseif needs then
    -- They may have waited elsewhere before, and words may come in another order than they were said.
    changes.w, changes.sw = at, ''
    for _, since in ipairs({conv.w, conv.sw or ''}) do
      if since ~= '' and tonumber(since) < tonumber(changes.w) then changes.w = since end
    end
    if conv.st == 'automated' then
      changes.st, changes.q, changes.ep, changes.oat = 'queued', ARGV[8], text(tonumber(conv.ep) + 1), text(now)
      changes.qe = text(now)
    elseif conv.st == 'waiting' or conv.st == 'parked' then
      -- It goes back to its agent, and is live when that agent has a slot for it.
      if (conv.rt or '') == '' then changes.rt = text(now) end
    elseif conv.st == 'wrapup' then
      word = 'reopened'
      changes.st, changes.wu, changes.re = 'active', '', text(tonumber(conv.re) + 1)
    end
  end
end
if word == 'reopened' and (conv.sf or '') ~= '' then
  changes.sf = ''
  if conv.bw == 'safety' and not changes.bs then changes.bs, changes.bw = '0', '' end
end
conv_listen(conv, changes, ARGV[24], ARGV[25], ARGV[26], ARGV[27], ARGV[28])
if needs then boosted({bw = changes.bw or conv.bw, bs = changes.bs or conv.bs}, changes, ARGV[30], ARGV[31]) end
-- A complaint waits in the queue of complaints from when it is known as one; danger, crises and lost journeys go before it.
local place = changes.q or conv.q
if (changes.st or conv.st) == 'queued' and ARGV[33] ~= '' and (changes.sf or conv.sf or '') == ''
  and (changes.cm or (changes.q and (conv.cm or '') ~= '')) and not among(ARGV[34], place) then
  changes.q = ARGV[33]
end
local was, stood = conv.st, conv.q
local flood = flooded(conv, changes, tonumber(at), tonumber(ARGV[35]), tonumber(ARGV[36]), tonumber(ARGV[37]))
local entry = conv_entry(ct, tonumber(at), 'in', '', '', ARGV[13], ARGV[14], ARGV[21], ARGV[12], ARGV[15])
conv_write(cv, KEYS[5], KEYS[6], id, conv, changes)
redis.call('SET', KEYS[1], id)
redis.call('SET', KEYS[3], id, 'PX', ARGV[19])
if edits > 0 then redis.call('SET', KEYS[12], ARGV[22] .. '|' .. id, 'PX', ARGV[19]) end
redis.call('ZADD', KEYS[7], conv.op, id)
conv_keep({cv, ct, KEYS[1], KEYS[7]}, conv.st == 'resolved', ARGV[18])
local ids = id .. ' ' .. ARGV[4] .. (ARGV[13] ~= '' and (' ' .. ARGV[13]) or '')
if word == 'opened' or word == 'reopened' then
  fact(KEYS[4], now, word, ids, stands(conv, stood))
elseif conv.st == 'queued' and (was == 'automated' or (was == 'queued' and stood ~= conv.q)) then
  fact(KEYS[4], now, 'queued', ids, stands(conv, stood) .. (was == 'automated' and ' why=asked' or ''))
end
if flood then fact(KEYS[4], now, 'flood', ids, 'count=' .. conv.mn .. ' brand=' .. conv.b) end
if ARGV[24] ~= '' then fact(KEYS[4], now, 'safety', ids, 'kind=' .. ARGV[24] .. ' brand=' .. conv.b) end
if changes.cm then
  complained(KEYS[2], id, conv.b, changes.cm, '', now) -- nothing is offered to who complains
  fact(KEYS[4], now, 'complaint', ids, 'by=words due=' .. changes.cm .. stands(conv))
end
if ARGV[23] ~= '' then fact(KEYS[4], now, 'family_asked', ids, 'by=' .. ARGV[23]) end
fact(KEYS[4], now, 'inbound', ids, 'form=' .. ARGV[12] .. stands(conv) .. ' entry=' .. entry .. ' what=' .. ARGV[38] .. ' file=' .. ARGV[39])
return {word, id}
