#!/usr/bin/perl
# An agent's answer to a notice as the clients of the world write it: whatever they do to the notice
# below, above or around the words, the customer gets the words and pictures, and nothing of it.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(decode encode);
use Luukku::Test::Base;
use Luukku::Test::Desk;
use Luukku::Test::Leaks;
use Luukku::Test::Mail qw(header mail parts shown text_of);
use MIME::Base64 qw(encode_base64);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $desk = Luukku::Test::Desk->start(
	agents => <<'CONF',
  { name = "Aino Aalto"; address = "aino@example.fi"; aliases = ( "aino.aalto@example.fi" ); languages = ( "fi" ); },
  { name = "Bo Berg"; address = "bo@example.fi"; }
CONF
	queues => <<'CONF',
  { name = "ict"; title = "ICT-tuki"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); notify = "agents";
    mass: { people = 0; }; duplicate_window = "0"; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
	extra => 'breaker = ( "200/10m" );');

my $png = MIME::Base64::decode_base64('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==');
my $when = 'su 22. marraskuuta 2026 klo 9.00';

# --- how clients quote ---------------------------------------------------------------------------------
# Each gets { text, body (of the notice's HTML), from, subject, to } and gives headers and body.

sub plain {
	my ($text) = @_;
	return { type => 'text/plain; charset=utf-8', body => $text };
}

sub html {
	my ($html) = @_;
	return { type => 'text/html; charset=utf-8', body => "<html><head><meta charset=\"utf-8\"></head><body>$html</body></html>" };
}

sub both {
	my ($text, $html) = @_;
	return { type => 'multipart/alternative; boundary="alt"', body => "--alt\nContent-Type: text/plain; charset=utf-8\n\n$text\n"
			. "--alt\nContent-Type: text/html; charset=utf-8\n\n<html><body>$html</body></html>\n--alt--\n" };
}

# HTML with a picture, as a related part.
sub with_picture {
	my ($html, $cid, $name) = @_;
	return { type => 'multipart/related; boundary="rel"', body => "--rel\nContent-Type: text/html; charset=utf-8\n\n<html><body>$html</body></html>\n"
			. "--rel\nContent-Type: image/png; name=\"$name\"\nContent-ID: <$cid>\nContent-Disposition: inline; filename=\"$name\"\n"
			. "Content-Transfer-Encoding: base64\n\n" . encode_base64($png) . "--rel--\n" };
}

sub quoted { return $_[0] =~ s/^/> /mgr }

sub outlook_block {
	my ($n, %word) = @_;
	return qq{<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>$word{from}:</b> $n->{from} &lt;ict\@example.fi&gt; <br>}
		. qq{<b>$word{sent}:</b> sunnuntai 22. marraskuuta 2026 9.00<br><b>$word{to}:</b> Aino Aalto &lt;aino\@example.fi&gt;<br><b>$word{subject}:</b> $n->{subject}<o:p></o:p></p></div></div>};
}

my %fi = (from => 'Lähettäjä', sent => 'Lähetetty', to => 'Vastaanottaja', subject => 'Aihe');
my %sv = (from => 'Från', sent => 'Skickat', to => 'Till', subject => 'Ämne');
my %en = (from => 'From', sent => 'Sent', to => 'To', subject => 'Subject');
my $words = "Hei,\n\nvaihdamme rummun huomenna.\n\nTerveisin Aino";
my $words_html = '<p>Hei,</p><p>vaihdamme <b>rummun</b> huomenna.</p><p>Terveisin Aino</p>';

my @clients = (
	['Outlook, desktop, fi', sub { html(qq{<div class="WordSection1"><p class="MsoNormal">Hei,<o:p></o:p></p><p class="MsoNormal"><o:p>&nbsp;</o:p></p>
		<p class="MsoNormal">vaihdamme rummun huomenna.<o:p></o:p></p><p class="MsoNormal">Terveisin Aino<o:p></o:p></p>} . outlook_block($_[0], %fi) . $_[0]{body} . '</div>') }],
	['Outlook, desktop, sv', sub { html(qq{<div class="WordSection1"><p class="MsoNormal">Hei,</p><p class="MsoNormal">vaihdamme rummun huomenna.</p>} . outlook_block($_[0], %sv) . $_[0]{body} . '</div>') }],
	['Outlook, desktop, plain', sub { plain("$words\n\n-----Alkuperäinen viesti-----\nLähettäjä: $_[0]{from} <ict\@example.fi> \nLähetetty: sunnuntai 22. marraskuuta 2026 9.00\n"
		. "Vastaanottaja: Aino Aalto <aino\@example.fi>\nAihe: $_[0]{subject}\n\n$_[0]{text}") }],
	['Outlook, desktop, plain, en', sub { plain("$words\n\n________________________________\nFrom: $_[0]{from} <ict\@example.fi>\nSent: Sunday, November 22, 2026 9:00 AM\n"
		. "To: Aino Aalto <aino\@example.fi>\nSubject: $_[0]{subject}\n\n$_[0]{text}") }],
	['Outlook, desktop, picture', sub { with_picture(qq{<div class="WordSection1"><p class="MsoNormal">vaihdamme rummun huomenna, tästä: <img width="1" height="1" src="cid:image001.png\@01DB1234.ABCD" alt="kuva"></p>}
		. outlook_block($_[0], %fi) . $_[0]{body} . '</div>', 'image001.png@01DB1234.ABCD', 'image001.png') }, 'picture'],
	['Outlook, web', sub { html(qq{<div class="elementToProof" style="font-family:Aptos">Hei,</div><div><br></div><div class="elementToProof">vaihdamme rummun huomenna.</div>
		<div id="appendonsend"></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri"><b>Lähettäjä:</b> $_[0]{from} &lt;ict\@example.fi&gt;<br><b>Lähetetty:</b> sunnuntai 22. marraskuuta 2026 9.00<br>
		<b>Vastaanottaja:</b> Aino Aalto &lt;aino\@example.fi&gt;<br><b>Aihe:</b> $_[0]{subject}</font><div>&nbsp;</div></div>$_[0]{body}}) }],
	['Outlook, iOS', sub { html(qq{<div dir="ltr">Hei,</div><div dir="ltr">vaihdamme rummun huomenna.</div><div id="ms-outlook-mobile-signature">Hanki <a href="https://aka.ms/o0ukef">Outlook for iOS</a></div>
		<hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr"><b>From:</b> $_[0]{from} &lt;ict\@example.fi&gt;<br><b>Sent:</b> Sunday, November 22, 2026 9:00:00 AM<br><b>To:</b> Aino Aalto &lt;aino\@example.fi&gt;<br><b>Subject:</b> $_[0]{subject}</div>$_[0]{body}}) }],
	['Gmail, web', sub { both("$words\n\n$when $_[0]{from} <ict\@example.fi> kirjoitti:\n\n" . quoted($_[0]{text}),
		qq{<div dir="ltr"><div>Hei,</div><div><br></div><div>vaihdamme rummun huomenna.</div><div>Terveisin Aino</div></div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">$when $_[0]{from} &lt;<a href="mailto:ict\@example.fi">ict\@example.fi</a>&gt; kirjoitti:<br></div>
		<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">$_[0]{body}</blockquote></div>}) }],
	['Gmail, Android', sub { html(qq{<p dir="ltr">Hei,</p><p dir="ltr">vaihdamme rummun huomenna.</p><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">$when $_[0]{from} &lt;<a href="mailto:ict\@example.fi">ict\@example.fi</a>&gt; kirjoitti:<br></div><blockquote class="gmail_quote">$_[0]{body}</blockquote></div>}) }],
	['Gmail, picture', sub { with_picture(qq{<div dir="ltr">vaihdamme rummun huomenna:<div><img src="cid:ii_m3abc" alt="rumpu.png" width="1" height="1"></div></div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">$when $_[0]{from} &lt;ict\@example.fi&gt; kirjoitti:<br></div><blockquote class="gmail_quote">$_[0]{body}</blockquote></div>}, 'ii_m3abc', 'rumpu.png') }, 'picture'],
	['Apple Mail', sub { html(qq{<div style="overflow-wrap:break-word;">Hei,<div><br></div><div>vaihdamme rummun huomenna.</div><div><br></div><div>Terveisin Aino<br id="lineBreakAtBeginningOfMessage"><div><br><blockquote type="cite"><div>$_[0]{from} &lt;ict\@example.fi&gt; kirjoitti 22.11.2026 kello 9.00:</div><br class="Apple-interchange-newline"><div>$_[0]{body}</div></blockquote></div><br></div></div>}) }],
	['iPhone', sub { both("$words\n\nLähetetty iPhonesta\n\n> $_[0]{from} <ict\@example.fi> kirjoitti 22.11.2026 kello 9.00:\n> \n" . quoted($_[0]{text}),
		qq{<div dir="ltr">Hei,</div><div dir="ltr">vaihdamme rummun huomenna.</div><div dir="ltr">Terveisin Aino</div><br id="lineBreakAtBeginningOfSignature"><div dir="ltr">Lähetetty iPhonesta</div><div dir="ltr"><br><blockquote type="cite">$_[0]{from} &lt;ict\@example.fi&gt; kirjoitti 22.11.2026 kello 9.00:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">$_[0]{body}</div></blockquote>}) }],
	['Thunderbird', sub { html(qq{<p>Hei,</p><p>vaihdamme rummun huomenna.</p><p>Terveisin Aino</p><div class="moz-cite-prefix">$_[0]{from} kirjoitti 22.11.2026 klo 9.00:<br></div><blockquote type="cite" cite="mid:x\@example.fi">$_[0]{body}</blockquote><div class="moz-signature">-- <br>Aino Aalto<br>aino\@example.fi, puh. 1234</div>}) }],
	['Thunderbird, plain, below', sub { plain("$_[0]{from} kirjoitti 22.11.2026 klo 9.00:\n" . quoted($_[0]{text}) . "\n$words\n\n-- \nAino Aalto\naino\@example.fi\n") }],
	['Thunderbird, between', sub { my @lines = split /\n/, quoted($_[0]{text}); my ($at) = grep { $lines[$_] =~ /^> rumpu jumissa/ } 0 .. $#lines;
		plain("$_[0]{from} kirjoitti 22.11.2026 klo 9.00:\n" . join("\n", @lines[0 .. $at]) . "\n\nHei,\n\nvaihdamme rummun huomenna.\n\n" . join("\n", @lines[$at + 1 .. $#lines])
			. "\n\nTuomme myös paperia.\n\nTerveisin Aino\n") }, '', qr/huomenna\. (?:> .*)?Tuomme myös paperia/],
	['Gmail, between', sub { html(qq{<div dir="ltr"><div class="gmail_quote"><div dir="ltr" class="gmail_attr">$when $_[0]{from} &lt;ict\@example.fi&gt; kirjoitti:<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex">Uusi tukipyyntö: TUKI-1001<br>rumpu jumissa</blockquote>
		<div>vaihdamme rummun huomenna.</div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex">apua kaivataan</blockquote><div>Tuomme myös paperia.</div></div></div>}) }, '', qr/huomenna\..*Tuomme myös paperia/],
	['mutt', sub { plain("$words\n\nOn Sun, Nov 22, 2026 at 09:00:00AM +0200, $_[0]{from} wrote:\n" . quoted($_[0]{text})) }],
	['Roundcube', sub { html(qq{<p>Hei,</p><p>vaihdamme rummun huomenna.</p><p>Terveisin Aino</p><div id="signature">---<br>Aino Aalto<br>aino.aalto\@example.fi</div><p id="reply-intro">22.11.2026 09:00, $_[0]{from} kirjoitti:</p><blockquote type="cite" style="padding:0 0.4em;border-left:#1010ff 2px solid;margin:0"><div id="replybody1">$_[0]{body}</div></blockquote>}) }],
	['Roundcube, plain', sub { plain("$words\n\n---\nAino Aalto\naino.aalto\@example.fi\n\n22.11.2026 09:00, $_[0]{from} kirjoitti:\n\n" . quoted($_[0]{text})) }],
	['Samsung', sub { html(qq{<div dir="auto">Hei,</div><div dir="auto">vaihdamme rummun huomenna.</div><div id="composer_signature" dir="auto">Lähetetty Galaxystä</div><div><br></div><div align="left" dir="auto" style="font-size:100%;color:#000000"><div>-------- Alkuperäinen viesti --------</div><div>Lähettäjä: $_[0]{from} &lt;ict\@example.fi&gt; </div><div>Päivä: 22.11.2026  9.00  (GMT+02:00) </div><div>Saaja: Aino Aalto &lt;aino\@example.fi&gt; </div><div>Aihe: $_[0]{subject} </div><div><br></div></div>$_[0]{body}}) }],
	['a picture in mixed', sub { { type => 'multipart/mixed; boundary="mix"', body => "--mix\nContent-Type: text/html; charset=utf-8\n\n<html><body>$words_html</body></html>\n--mix\nContent-Type: image/png; name=\"rumpu.png\"\nContent-Disposition: inline; filename=\"rumpu.png\"\nContent-Transfer-Encoding: base64\n\n"
		. encode_base64($png) . "--mix\nContent-Type: text/html; charset=utf-8\n\n<html><body><br><blockquote type=\"cite\"><div>$_[0]{from} &lt;ict\@example.fi&gt; kirjoitti 22.11.2026 kello 9.00:</div><div>$_[0]{body}</div></blockquote></body></html>\n--mix--\n" } }, 'file'],
	['quote deleted, HTML alone', sub { html($words_html) }],
);

# --- a ticket for each ---------------------------------------------------------------------------------
for my $n (0 .. $#clients) {
	$desk->deliver('ict', mail(from => "Maija Meri <maija$n\@sairaala.example>", subject => "Tulostin $n",
		text => "Hei,\n\nrumpu jumissa numerossa $n, apua kaivataan.\n"));
}
is($desk->once->{status}, 0, 'customers write');
my %notice = map { shown($_) =~ /^Subject:.*Tulostin (\d+)/m ? ($1 => $_) : () } grep { $_->{rcpt}[0] eq 'aino@example.fi' } $desk->smtp->mails;
is(scalar keys %notice, scalar @clients, 'a notice about each');

for my $n (0 .. $#clients) {
	my ($what, $compose) = @{ $clients[$n] };
	my $notice = $notice{$n};
	my $from = decode('MIME-Header', header($notice->{data}, 'From')) =~ s/\s*<.*//r =~ s/"//gr;
	my ($body) = text_of($notice, 'text/html') =~ m{<body[^>]*>(.*)</body>}s or die 'no body in the notice';
	my $made = $compose->({ text => text_of($notice), body => $body, from => $from,
		subject => decode('MIME-Header', header($notice->{data}, 'Subject')) });
	my $id = header($notice->{data}, 'Message-ID');
	$desk->deliver('ict', mail(from => 'Aino Aalto <aino@example.fi>', to => header($notice->{data}, 'Reply-To'), subject => "Vs: [TUKI] Tulostin $n",
		text => encode('UTF-8', $made->{body}), headers => "In-Reply-To: $id\nReferences: $id\nContent-Type: $made->{type}\n"));
}
is($desk->once->{status}, 0, 'the agent answers');

# --- what the customers got ----------------------------------------------------------------------------
my $inside = join '|', map { quotemeta } keys %{ Luukku::Test::Leaks::template_words() };
my @rows;
for my $n (0 .. $#clients) {
	my ($what, undef, $picture, $more) = @{ $clients[$n] };
	my ($got) = grep { $_->{rcpt}[0] eq "maija$n\@sairaala.example" && shown($_) =~ /vaihdamme/ } $desk->smtp->mails;
	if (!ok($got, "$what: the customer got the answer")) {
		diag explain [$desk->db->sql("SELECT e.event, e.reason FROM event e JOIN ticket t ON t.id = e.ticket_id WHERE t.subject = 'Tulostin $n' ORDER BY e.id")];
		next;
	}
	my ($text, $html) = (text_of($got), text_of($got, 'text/html'));
	(my $flat = $text) =~ s/\s+/ /g;
	like($flat, qr/vaihdamme rummun huomenna/, '... the words');
	like($flat, $more, '... and those further down') if $more;
	like($html, qr/vaihdamme(?:\s|&nbsp;)+rummun\s+huomenna/, '... in HTML, too');
	my @left = "$text\n$html" =~ /($inside|kirjoitti|wrote:|Lähettäjä:|Från:|From:|Alkuperäinen|blockquote|ict\+|#note|Hanki|iPhonesta|puh\. 1234)/g;
	is("@left", '', '... and nothing of the notice, of quoting or of a signature');
	unlike(shown($got), qr/aino(?:\.aalto)?\@/i, "... nor the agent's address");
	my @images = grep { $_->{type} eq 'image/png' } parts($got->{data});
	if ($picture) {
		is($images[0] && $images[0]{text}, $png, '... the picture byte for byte');
		my ($cid) = ($images[0]{head} // '') =~ /^Content-ID: *<([^>]*)>/mi;
		ok($cid && $html =~ /<img[^>]+src="cid:\Q$cid\E"/, '... within the HTML') if $picture eq 'picture';
		unlike($text, qr/01DB1234/, '... and the text shows no address of it');
	}
	$flat =~ s/^(.{50}).*/$1.../;
	push @rows, sprintf '%-28s %-6s %s', $what, scalar(@images) ? 'image' : '', $flat;
}
note "client                       parts  what the customer reads";
note $_ for @rows;
done_testing;
