package Luukku::Test::Mail;

# Mails made and taken apart, in Perl alone.

use strict;
use warnings;
use Encode ();
use Exporter 'import';
use MIME::Base64 ();
use MIME::QuotedPrint ();
use POSIX ();

our @EXPORT_OK = qw(mail header parts shown text_of answer);

my $mails = 0;

# A mail of a person. Options: from, to, subject, id, date (text), headers (lines), text.
sub mail {
	my (%option) = @_;
	my $n = ++$mails;
	my $id = $option{id} // "mail$n.$$\@asiakas.example";
	my $date = $option{date} // POSIX::strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime(time - 60));
	my $from = $option{from} // "Asiakas $n <asiakas$n\@asiakas.example>";
	my $to = $option{to} // 'ict@example.fi';
	my $subject = $option{subject} // "Tulostin $n ei toimi";
	my $text = $option{text} // "Hei,\n\ntulostin numero $n ei tulosta. Voitteko auttaa?\n";
	my $headers = $option{headers} // '';
	$headers =~ s/\n/\r\n/g;
	my $mail = "From: $from\r\nTo: $to\r\nSubject: $subject\r\nMessage-ID: <$id>\r\nDate: $date\r\n"
		. "MIME-Version: 1.0\r\n$headers"
		. ($headers =~ /^Content-Type:/mi ? '' : "Content-Type: text/plain; charset=utf-8\r\n");
	$text =~ s/\r?\n/\r\n/g;
	return "$mail\r\n$text";
}

# The value of a mail's header, unfolded; the first of that name.
sub header {
	my ($mail, $name) = @_;
	my ($head) = split /\r?\n\r?\n/, $mail, 2;
	$head =~ s/\r?\n[ \t]+/ /g;
	return $head =~ /^\Q$name\E:[ \t]*(.*?)\r?$/mi ? $1 : undef;
}

# The leaves of a mail with their bytes decoded: { type, head, text (characters, or bytes of what is no
# text), name }; encoded words of headers are decoded, too.
sub parts {
	my ($mail) = @_;
	my ($head, $body) = split /\r?\n\r?\n/, $mail, 2;
	$body //= '';
	$head =~ s/\r?\n[ \t]+/ /g;
	my ($type) = $head =~ /^Content-Type:\s*([^\s;]+)/mi;
	$type = lc($type // 'text/plain');
	my $shown = Encode::decode('MIME-Header', $head);
	if ($type =~ m{^multipart/} && $head =~ /boundary="?([^";\s]+)"?/i) {
		my $boundary = $1;
		my (undef, @inner) = split /^--\Q$boundary\E(?:--)?[ \t]*\r?\n/m, "$body\n";
		my @leaves = map { parts($_) } grep { /\S/ } @inner;
		$leaves[0]{head} = "$shown\n$leaves[0]{head}" if @leaves;
		return @leaves;
	}
	my ($encoding) = $head =~ /^Content-Transfer-Encoding:\s*(\S+)/mi;
	$encoding = lc($encoding // '');
	my $bytes = $encoding eq 'base64' ? MIME::Base64::decode_base64($body)
		: $encoding eq 'quoted-printable' ? MIME::QuotedPrint::decode_qp($body)
		: $body;
	$bytes = Encode::decode('UTF-8', $bytes) if $type =~ m{^text/};
	$bytes =~ s/\r\n/\n/g if $type =~ m{^text/};
	my ($name) = $head =~ /filename="?([^";\r\n]+)"?/i;
	return { type => $type, head => $shown, text => $bytes, name => $name };
}

# All that a reader could see of { data }: headers and texts, decoded.
sub shown {
	my ($mail) = @_;
	return join "\n", map { $_->{head} . "\n" . $_->{text} } parts($mail->{data});
}

sub text_of {
	my ($mail, $type) = @_;
	return '' if !$mail;
	return join "\n", map { $_->{text} } grep { $_->{type} eq ($type // 'text/plain') } parts($mail->{data});
}

# An answer to { data } as a mail client makes it: all of it quoted below. Options: intro => the line
# above the quote, html => HTML instead of the text, file and bytes => an attachment, to, cc, headers.
sub answer {
	my ($mail, $from, $text, %option) = @_;
	my $quoted = text_of($mail);
	my $intro = $option{intro} // 'On Fri, 20 Nov 2026 at 9.00, ICT wrote:';
	$quoted =~ s/^/> /mg;
	my $body = "$text\n\n$intro\n$quoted\n";
	my $id = header($mail->{data}, 'Message-ID');
	my $references = header($mail->{data}, 'References') // '';
	my @headers = ("In-Reply-To: $id", "References: " . ($references ? "$references $id" : $id));
	push @headers, "Cc: $option{cc}" if $option{cc};
	push @headers, @{ $option{headers} // [] };
	if ($option{html}) {
		push @headers, 'Content-Type: text/html; charset=utf-8';
		$body = "<html><body>$option{html}<br><div class=\"gmail_quote\"><div class=\"gmail_attr\">$intro<br></div>"
			. '<blockquote class="gmail_quote">' . text_of($mail, 'text/html') . '</blockquote></div></body></html>';
	} elsif ($option{file}) {
		push @headers, 'Content-Type: multipart/mixed; boundary=sisar';
		$body = "--sisar\nContent-Type: text/plain; charset=utf-8\n\n$body\n--sisar\nContent-Type: application/pdf\n"
			. "Content-Disposition: attachment; filename=\"$option{file}\"\nContent-Transfer-Encoding: base64\n\n"
			. MIME::Base64::encode_base64($option{bytes}) . "--sisar--\n";
	}
	my $subject = Encode::decode('MIME-Header', header($mail->{data}, 'Subject'));
	$subject = "Re: $subject" if $subject !~ /^Re:/i;
	return mail(from => $from, to => $option{to} // header($mail->{data}, 'Reply-To') // header($mail->{data}, 'From'),
		subject => Encode::encode('MIME-Q', $subject), text => Encode::encode('UTF-8', $body),
		headers => join('', map { "$_\n" } @headers));
}

1;
